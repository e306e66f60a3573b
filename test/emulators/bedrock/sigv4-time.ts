import { AwsError } from './aws-error.ts';
import { invalidSignature } from './sigv4-authorization.ts';

/** AWS refuses a request signed more than five minutes before or after its own time. */
const TOLERANCE_MS = 5 * 60 * 1000;

/** The one value of `x-amz-date`, if it is the scope's day and near enough to `now`; throws AwsError otherwise. */
export function checkTime(dates: readonly string[], scopeDate: string, now: Date): string {
  const [date = ''] = dates;
  const signedAt = Date.parse(date.replace(/^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/, '$1-$2-$3T$4:$5:$6.000Z'));
  if (dates.length !== 1 || !/^\d{8}T\d{6}Z$/.test(date) || Number.isNaN(signedAt)) {
    throw new AwsError(
      403,
      'IncompleteSignatureException',
      "Authorization header requires existence of one valid 'X-Amz-Date' header.",
    );
  }
  const day = date.slice(0, 8);
  if (scopeDate !== day) {
    throw invalidSignature(
      'Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: ' +
        `'${scopeDate}' != '${day}', from '${date}'.`,
    );
  }
  const clock = amzDate(now.getTime());
  const earliest = now.getTime() - TOLERANCE_MS;
  const latest = now.getTime() + TOLERANCE_MS;
  if (signedAt < earliest) {
    throw invalidSignature(`Signature expired: ${date} is now earlier than ${amzDate(earliest)} (${clock} - 5 min.)`);
  }
  if (signedAt > latest) {
    throw invalidSignature(
      `Signature not yet current: ${date} is still later than ${amzDate(latest)} (${clock} + 5 min.)`,
    );
  }
  return date;
}

function amzDate(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
}
