#!/bin/sh
# Makes the Entra app registration that stands for the function, or completes one that is there: version 2 tokens, the
# application id URI api://<client id>, and a service principal. The gateway's identity asks for tokens to it; it needs
# no secret, no permission and no consent.
#
#   register-app.sh
#
# Prints the client id (parameter proxyAppClientId). Under azd it is kept as PROXY_APP_CLIENT_ID of the environment.
# May run any number of times.
#
# AZURE_ENV_NAME        the registration's name is bedrock-proxy-<this>, unless
# PROXY_APP_NAME        gives another one
# PROXY_APP_CLIENT_ID   an existing registration to use
# CALLER_AUTH           functionKey: nothing is done, no registration is needed
set -eu

say() {
  printf '%s\n' "$*" >&2
}

fail() {
  say "$*"
  exit 1
}

[ "${CALLER_AUTH:-entra}" = entra ] || exit 0

app_property() {
  az ad app show --id "$client_id" --query "$1" --output tsv --only-show-errors
}

# The directory answers from several copies: what has just been made is not everywhere yet.
when_visible() {
  attempt=1
  while ! output=$("$@" 2>&1); do
    case $output in
      *'does not exist'* | *ResourceNotFound* | *'not found'*) ;;
      *) fail "$output" ;;
    esac
    [ "$attempt" -lt 12 ] || fail "$output"
    attempt=$((attempt + 1))
    sleep 5
  done
  [ -z "$output" ] || printf '%s\n' "$output"
}

client_id=${PROXY_APP_CLIENT_ID:-}
if [ -z "$client_id" ]; then
  name=${PROXY_APP_NAME:-bedrock-proxy-${AZURE_ENV_NAME:?name the environment in AZURE_ENV_NAME}}
  case $name in
    *\'*) fail 'The name of the registration must not contain a quotation mark.' ;;
  esac
  client_id=$(az ad app list --filter "displayName eq '$name'" --query '[].appId' --output tsv --only-show-errors)
  case $client_id in
    *[![:alnum:]-]*) fail "More than one registration is named $name: choose one by PROXY_APP_CLIENT_ID." ;;
    '')
      client_id=$(az ad app create --display-name "$name" --sign-in-audience AzureADMyOrg \
        --requested-access-token-version 2 --query appId --output tsv --only-show-errors)
      say "Created the app registration $name ($client_id)."
      ;;
  esac
fi

version=$(when_visible app_property api.requestedAccessTokenVersion)
if [ "$version" != 2 ]; then
  when_visible az ad app update --id "$client_id" --requested-access-token-version 2 --only-show-errors >&2
fi

uris=$(when_visible app_property 'identifierUris[]')
case "
$uris
" in
  *"
api://$client_id
"*) ;;
  *)
    # The option replaces the list, hence those already there as well. None of them can hold a space.
    # shellcheck disable=SC2086
    when_visible az ad app update --id "$client_id" --identifier-uris $uris "api://$client_id" --only-show-errors >&2
    ;;
esac

if ! az ad sp show --id "$client_id" --query id --output none --only-show-errors 2>/dev/null; then
  when_visible az ad sp create --id "$client_id" --output none --only-show-errors >&2
fi

if [ -n "${AZURE_ENV_NAME:-}" ] && command -v azd >/dev/null; then
  azd env set PROXY_APP_CLIENT_ID "$client_id" --environment "$AZURE_ENV_NAME" >&2
fi
printf '%s\n' "$client_id"
