#!/bin/sh
# Replaces the AWS access key of the proxy without a failed call: a new key, a proof that AWS accepts it, the vault, a
# wait until every instance has read it, then the old key is disabled and, after a pause, deleted.
#
#   rotate-aws-keys.sh
#
# Needs the AWS CLI, signed in as somebody who may list, create, update and delete the access keys of the user (not as
# that user), and the Azure CLI with the role Key Vault Secrets Officer. May be stopped at any point: a new key that is
# not in the vault is deleted, and the next run finishes what this one began. IAM allows two keys for a user; the second
# place must be free, or hold what an earlier run left.
#
# AWS_IAM_USER_NAME             the IAM user, which belongs to this proxy alone
# AZURE_KEY_VAULT_NAME          name of the vault
# AWS_CREDENTIALS_SECRET_NAME   name of the secret (default aws-credentials)
# CREDENTIALS_REFRESH_SECONDS   the setting of the function (default 300)
# ROTATION_PAUSE_SECONDS        time in which a disabled key can be enabled again (default 300)
set -eu
set +x

user=${AWS_IAM_USER_NAME:?name the IAM user in AWS_IAM_USER_NAME}
vault=${AZURE_KEY_VAULT_NAME:?name the vault in AZURE_KEY_VAULT_NAME}
secret_name=${AWS_CREDENTIALS_SECRET_NAME:-aws-credentials}
refresh=${CREDENTIALS_REFRESH_SECONDS:-300}
pause=${ROTATION_PAUSE_SECONDS:-300}
scripts=$(dirname "$0")
unstored=

say() {
  printf '%s\n' "$*" >&2
}

fail() {
  say "$*"
  exit 1
}

# The id only; the rest of the secret passes through the pipe.
key_in_vault() {
  az keyvault secret show --vault-name "$vault" --name "$secret_name" --query value --output tsv --only-show-errors |
    sed -n 's/.*"accessKeyId"[[:space:]]*:[[:space:]]*"\([A-Z0-9]*\)".*/\1/p'
}

# Id, status and date of every key, oldest first.
list_keys() {
  listed=$(aws iam list-access-keys --user-name "$user" --output text \
    --query 'AccessKeyMetadata[].[AccessKeyId,Status,CreateDate]') || return 1
  printf '%s\n' "$listed" | sort -k 3
}

delete_key() {
  aws iam delete-access-key --user-name "$user" --access-key-id "$1"
}

# A new key that nobody can use, since its secret half was never stored, must not take up the second place.
discard_unstored() {
  status=$?
  trap - EXIT INT TERM HUP
  if [ -n "$unstored" ]; then
    held=$(key_in_vault) || held=
    if [ -n "$held" ] && [ "$held" != "$unstored" ]; then
      say "Deleting the new key $unstored, which is not in the vault."
      delete_key "$unstored" || true
    fi
  fi
  exit "$status"
}

accepted() (
  unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN AWS_SECURITY_TOKEN
  export AWS_ACCESS_KEY_ID="$new_id" AWS_SECRET_ACCESS_KEY="$new_secret"
  aws sts get-caller-identity --output text >/dev/null 2>&1
)

# A new key is known within 5 to 15 seconds, but not to all of AWS at the same moment: three times in a row.
probe() {
  tries=0
  successes=0
  while [ "$successes" -lt 3 ]; do
    [ "$tries" -lt 30 ] || fail 'AWS does not accept the new key.'
    tries=$((tries + 1))
    if accepted; then successes=$((successes + 1)); else successes=0; fi
    sleep 2
  done
}

# $1: an old key, $2: its status.
retire() {
  if [ "$2" = Active ]; then
    say "Waiting until every instance of the function has read the new key ..."
    sleep $((refresh + 60))
    aws iam update-access-key --user-name "$user" --access-key-id "$1" --status Inactive
    say "Disabled the old key $1. Should anything else still need it, enable it again within $pause seconds."
  fi
  sleep "$pause"
  # Enabled again by somebody in the meantime: then it is in use.
  status=$(list_keys | grep "^$1" | cut -f 2)
  [ "$status" = Inactive ] || fail "The old key $1 was enabled again during the pause: it is in use elsewhere, and stays."
  delete_key "$1"
  say "Deleted the old key $1."
}

current=$(key_in_vault)
[ -n "$current" ] || fail "The vault $vault holds no AWS key in $secret_name."
keys=$(list_keys)
case $keys in
  *"$current"*) ;;
  *) fail "The key in the vault, $current, is not one of the user $user." ;;
esac

other=$(printf '%s\n' "$keys" | grep -v "^$current" || true)
if [ -n "$other" ]; then
  other_id=$(printf '%s' "$other" | cut -f 1)
  other_status=$(printf '%s' "$other" | cut -f 2)
  case $keys in
    "$other_id"*)
      say "The vault holds a newer key than $other_id: finishing the rotation that began with it."
      retire "$other_id" "$other_status"
      exit 0
      ;;
  esac
  service=$(aws iam get-access-key-last-used --access-key-id "$other_id" --query AccessKeyLastUsed.ServiceName --output text)
  case $service in
    N/A | None | sts) ;;
    *) fail "The user $user has a second key, $other_id, that is in use for $service. It must go first." ;;
  esac
  say "Deleting the key $other_id of a rotation that was cut off before it reached the vault."
  delete_key "$other_id"
fi

trap discard_unstored EXIT
trap 'exit 130' INT TERM HUP

created=$(aws iam create-access-key --user-name "$user" --query 'AccessKey.[AccessKeyId,SecretAccessKey]' --output text)
new_id=$(printf '%s' "$created" | cut -f 1)
new_secret=$(printf '%s' "$created" | cut -f 2)
unstored=$new_id
say "Created the key $new_id."
probe
printf '%s\n%s\n' "$new_id" "$new_secret" | AZURE_KEY_VAULT_NAME=$vault AWS_CREDENTIALS_SECRET_NAME=$secret_name \
  sh "$scripts/store-aws-credentials.sh"
unstored=
retire "$current" Active
