import { element } from './xml.ts';

export const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/';

/** A refusal of STS as it is on the wire, where the codes lack the `Exception` that the SDKs add to some of them. */
export class StsError extends Error {
  override readonly name = 'StsError';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** The body of a refusal in the Query protocol of AWS. */
export function errorDocument({ status, code, message }: StsError, requestId: string): string {
  const error = { Type: status < 500 ? 'Sender' : 'Receiver', Code: code, Message: message };
  return element('ErrorResponse', { Error: error, RequestId: requestId }, NAMESPACE);
}
