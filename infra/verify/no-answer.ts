/** Why there was no answer. */
export interface NoAnswer {
  readonly none: 'name' | 'connection' | 'certificate' | 'time' | 'broken';
  /** In words; holds nothing of the request. */
  readonly evidence: string;
  readonly remedy: string;
}

const NAME = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA', 'EAI_NONAME']);
const CONNECTION = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EACCES', 'EADDRNOTAVAIL']);
const CERTIFICATE =
  /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|EPROTO$|CRL_|INVALID_CA)/;

/** @param timeoutMs the time that there was for an answer */
export function toNoAnswer(error: unknown, timeoutMs: number): NoAnswer {
  const names = [error, (error as Error | undefined)?.cause].flatMap((each) =>
    each instanceof Error ? [codeOf(each), each.name] : [],
  );
  const [code = 'unknown'] = names;
  if (names.includes('TimeoutError')) {
    return {
      none: 'time',
      evidence: `no answer within ${timeoutMs / 1000} s`,
      remedy:
        'Run it again: the first call after a pause starts the app. If it stays so, look at the state of the app.',
    };
  }
  if (NAME.has(code)) {
    return { none: 'name', evidence: `the host name is not known (${code})`, remedy: 'Mend the host name of the URL.' };
  }
  if (CONNECTION.has(code)) {
    return {
      none: 'connection',
      evidence: `no connection (${code})`,
      remedy: 'Mend host and port of the URL, or run this inside the network that the gateway is in.',
    };
  }
  if (CERTIFICATE.test(code)) {
    return {
      none: 'certificate',
      evidence: `TLS failed (${code})`,
      remedy:
        'If the certificate is of your own authority, name its file in NODE_EXTRA_CA_CERTS; else mend the certificate.',
    };
  }
  return {
    none: 'broken',
    evidence: `the connection broke before an answer (${code})`,
    remedy: 'Look at what stands between here and the gateway: firewall, proxy, TLS inspection.',
  };
}

/** Node's own word; OpenSSL's are longer and no code is among them that could hold more than a name. */
function codeOf(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' ? code : '';
}
