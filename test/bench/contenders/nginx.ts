import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type StartContender, Unavailable, type Usage } from './contender.ts';
import { freePort, listening } from './port.ts';

/** nginx as a plain reverse proxy, one process, no buffering, no signing: what a proxy in C needs for the same way. */
export const startNginx: StartContender = async (upstream) => {
  if (spawnSync('nginx', ['-v']).status !== 0) throw new Unavailable('nginx is not installed');
  const directory = await mkdtemp(join(tmpdir(), 'bench-nginx-'));
  const port = await freePort();
  await writeFile(join(directory, 'nginx.conf'), configuration(port, new URL(upstream).host));
  const nginx = spawn('nginx', ['-p', directory, '-c', 'nginx.conf', '-e', 'error.log'], { stdio: 'ignore' });
  const exited = once(nginx, 'exit');
  await listening(port);
  return {
    target: { origin: `http://127.0.0.1:${port}`, dialect: 'bedrock', headers: {} },
    usage: () => usageOf(nginx.pid ?? 0),
    collectGarbage: async () => {},
    async close() {
      nginx.kill('SIGTERM');
      await exited;
      await rm(directory, { recursive: true });
    },
  };
};

function configuration(port: number, upstream: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`);
  return `
daemon off;
master_process off;
pid nginx.pid;
worker_rlimit_nofile 8192;
events { worker_connections 4096; }
http {
  access_log off;
  ${temporary.join('\n  ')}
  client_max_body_size 0;
  keepalive_requests 1000000;
  upstream bedrock { server ${upstream}; keepalive 512; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port} backlog=1024;
    location / {
      proxy_pass http://bedrock;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_request_buffering off;
    }
  }
}
`;
}

/** Kernel ticks per second in `/proc` (`USER_HZ`), which is 100 on every architecture Node runs on. */
const TICKS = 100;

/** From Linux's `/proc` (proc_pid_stat(5)); elsewhere nothing is known. */
async function usageOf(pid: number): Promise<Usage | undefined> {
  const [stat, status] = await Promise.all(
    ['stat', 'status'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '')),
  );
  // The name of the program, in parentheses, may hold spaces; fields are counted behind it.
  const fields = (stat ?? '').slice((stat ?? '').lastIndexOf(')') + 2).split(' ');
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(status ?? '')?.[1];
  if (kilobytes === undefined) return undefined;
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { rss: 1024 * Number(kilobytes), cpuMicroseconds: (ticks / TICKS) * 1_000_000 };
}
