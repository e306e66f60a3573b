@export()
@description('Private DNS zones of the endpoints, by sub-resource. With create, a zone is made for each that is not named; without, one that is not named gets no record from here, which is right where a policy does it.')
type privateDns = {
  create: bool
  blob: string?
  table: string?
  vault: string?
  sites: string?
}

@export()
@description('Where private endpoints go, and where their names are kept.')
type endpointNetwork = {
  subnetId: string
  dns: privateDns
}
