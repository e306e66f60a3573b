#!/bin/sh
# Registers the resource provider whose subnets a function app in a network needs. Azure registers by itself what a
# template deploys; of Microsoft.App the template names a subnet's delegation only.
#
#   register-providers.sh
#
# VNET_ENABLED   anything but true: nothing is done
set -eu

say() {
  printf '%s\n' "$*" >&2
}

[ "${VNET_ENABLED:-false}" = true ] || exit 0

# Windows' az ends its lines with CR LF.
state=$(az provider show --namespace Microsoft.App --query registrationState --output tsv --only-show-errors | tr -d '\r')
[ "$state" = Registered ] && exit 0

say 'The resource provider Microsoft.App is not registered in this subscription. Registering it, which takes a minute or two.'
az provider register --namespace Microsoft.App --wait --only-show-errors || {
  say 'It could not be registered. Somebody with the right to (Contributor of the subscription) runs:'
  say '  az provider register --namespace Microsoft.App --wait'
  exit 1
}
