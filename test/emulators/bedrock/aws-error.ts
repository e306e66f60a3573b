/** A failure as an AWS restJson1 service reports it: status, `x-amzn-ErrorType` and `{"message"}`. */
export class AwsError extends Error {
  override readonly name = 'AwsError';
  readonly status: number;
  /** The exception's name, for instance `ThrottlingException`. */
  readonly errorType: string;

  constructor(status: number, errorType: string, message: string) {
    super(message);
    this.status = status;
    this.errorType = errorType;
  }
}
