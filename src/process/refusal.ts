/** Why what a person asked for is not done, in words for that person: no stack, no exception's name. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}
