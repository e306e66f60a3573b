@export()
@description('Names of resources by what they are; what is left out gets a name that is made from the environment.')
@sealed()
type names = {
  functionApp: string?
  plan: string?
  identity: string?
  storage: string?
  vault: string?
  workspace: string?
  component: string?
  network: string?
  gateway: string?
}
