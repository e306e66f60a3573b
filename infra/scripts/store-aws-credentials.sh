#!/bin/sh
# Stores the AWS access key of the proxy in its Key Vault, as one JSON secret.
#
#   store-aws-credentials.sh [--if-missing]
#
# Asks on the terminal, without echo. Without a terminal it reads three lines from standard input: access key id, secret
# access key, session token (empty or absent for none). The values go to the Azure CLI through a pipe: never into an
# argument, a file or the output.
#
# --if-missing  asks for nothing when the vault already holds the secret
#
# AZURE_KEY_VAULT_NAME          name of the vault; empty, as the template puts it out, for a deployment without AWS keys
# AWS_CREDENTIALS_SECRET_NAME   name of the secret (default aws-credentials)
set -eu
set +x

if [ -z "${AZURE_KEY_VAULT_NAME-none named}" ] && [ "${1-}" = --if-missing ]; then
  printf 'This deployment keeps no AWS key: there is nothing to be stored.\n' >&2
  exit 0
fi
vault=${AZURE_KEY_VAULT_NAME:?name the vault in AZURE_KEY_VAULT_NAME}
secret_name=${AWS_CREDENTIALS_SECRET_NAME:-aws-credentials}
# A role assignment takes up to ten minutes to reach the vault.
attempts=20
pause=30

say() {
  printf '%s\n' "$*" >&2
}

fail() {
  say "$*"
  exit 1
}

# Runs a command until it succeeds, as long as the only obstacle is a role that has not arrived yet, or the name of a
# vault made a moment ago. Prints what the command printed.
when_allowed() {
  attempt=1
  while ! output=$("$@" 2>&1); do
    case $output in
      *ForbiddenByConnection* | *ForbiddenByFirewall*)
        printf '%s\n' "The vault $vault does not accept calls from this network. Run this inside its virtual network, or" \
          "deploy with the address of this machine in vaultAllowedAddresses and take it out again afterwards."
        return 1
        ;;
      *Forbidden* | *'Failed to resolve'* | *'Name or service not known'*) ;;
      *) attempt=$attempts ;;
    esac
    if [ "$attempt" -ge "$attempts" ]; then
      printf '%s\n' "$output"
      return 1
    fi
    [ "$attempt" -gt 1 ] || say "Waiting for the role assignment on the vault $vault ..."
    attempt=$((attempt + 1))
    sleep "$pause"
  done
  printf '%s\n' "$output"
}

existing_secret() {
  az keyvault secret show --vault-name "$vault" --name "$secret_name" --query id --output tsv --only-show-errors
}

set_secret() {
  printf '{"accessKeyId":"%s","secretAccessKey":"%s"%s}' "$access_key_id" "$secret_access_key" "$session_member" |
    az keyvault secret set --vault-name "$vault" --name "$secret_name" --file /dev/stdin --encoding utf-8 \
      --content-type application/json --output none --only-show-errors
}

# Reads one line into $line; on a terminal after a prompt, and without echo.
ask() {
  line=
  if [ -t 0 ]; then
    terminal=$(stty -g)
    trap 'stty "$terminal"' EXIT
    trap 'exit 130' INT TERM HUP
    stty -echo
    printf '%s: ' "$1" >&2
    read -r line || true
    stty "$terminal"
    trap - EXIT INT TERM HUP
    say
  else
    read -r line || true
  fi
  line=$(printf '%s' "$line" | tr -d '\r')
}

if [ "${1:-}" = --if-missing ]; then
  if output=$(when_allowed existing_secret); then
    say "The vault $vault already holds $secret_name; run this script without --if-missing to replace it."
    exit 0
  fi
  case $output in
    *SecretNotFound*) ;;
    *) fail "$output" ;;
  esac
fi

ask 'AWS access key id'
access_key_id=$line
ask 'AWS secret access key'
secret_access_key=$line
ask 'AWS session token (empty for none)'
session_member=${line:+",\"sessionToken\":\"$line\""}

# Nothing but these characters occurs in AWS keys, so that no escaping is needed.
case $access_key_id in
  '' | *[!A-Z0-9]*) fail 'An access key id consists of capital letters and digits.' ;;
esac
case $secret_access_key$line in
  *[!A-Za-z0-9/+=]*) fail 'A secret access key or session token consists of letters, digits and / + = only.' ;;
esac
[ -n "$secret_access_key" ] || fail 'The secret access key is empty.'

output=$(when_allowed set_secret) || fail "$output"
say "Stored the key $access_key_id as $secret_name in the vault $vault."
