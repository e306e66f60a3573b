// Loaded into a worker by --require: connections to the names of REGIONAL_HOSTS ("name=port", comma-separated) lead to
// these ports of the loopback interface, as name servers would have it with AWS's endpoints of several regions.
const net = require('node:net');

const ports = new Map((process.env.REGIONAL_HOSTS ?? '').split(',').map((entry) => entry.split('=')));
const { connect } = net;

net.connect = (options, ...rest) => {
  const port = ports.get(options.host);
  return port === undefined ? connect(options, ...rest) : connect({ ...options, host: '127.0.0.1', port }, ...rest);
};
