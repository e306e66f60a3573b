@export()
@description('A function app that takes calls: those of the lowest priority first, shared by weight (both 0 to 100, 1 where it is not given).')
type poolMember = {
  id: string
  @minValue(0)
  @maxValue(100)
  priority: int?
  @minValue(0)
  @maxValue(100)
  weight: int?
}
