/**
 * Whether a text can be the ARN of a role in one of AWS's partitions, with a path or without: account of twelve digits,
 * name of at most 64 characters ("IAM and STS quotas").
 */
export function isRoleArn(text: string): boolean {
  return /^arn:aws(?:-[a-z]+)*:iam::\d{12}:role\/(?:[\x21-\x7e]{1,510}\/)?[\w+=,.@-]{1,64}$/.test(text);
}

/** The partition that an ARN names, for instance `aws-cn`. */
export function partitionOfArn(arn: string): string | undefined {
  return arn.split(':', 2)[1];
}

/** Whether STS takes a text as external id (API model 2011-06-15, `externalIdType`). */
export function isExternalId(text: string): boolean {
  return /^[\w+=,.@:/-]{2,1224}$/.test(text);
}
