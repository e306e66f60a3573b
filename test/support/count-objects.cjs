// Loaded into a worker by --require: on SIGUSR2 it prints how many objects of the kinds that a request needs are alive.
const { IncomingMessage, ServerResponse } = require('node:http');
const { Socket } = require('node:net');
const { queryObjects } = require('node:v8');

process.on('SIGUSR2', () => {
  // Collects the garbage first.
  const count = (kind) => queryObjects(kind, { format: 'count' });
  const [requests, responses, sockets] = [IncomingMessage, ServerResponse, Socket].map(count);
  const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  console.log(JSON.stringify({ event: 'objects', requests, responses, sockets, timers, heapUsed, arrayBuffers }));
});
