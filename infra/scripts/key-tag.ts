/**
 * Tag of the secret: the end of the access key's id. By it `npm run verify -- … --aws` compares the key in the vault with those of
 * the IAM user, without a look at the secret.
 */
export const KEY_TAG = 'aws-access-key-id-ends-with';
