import type { Caller } from '../../service/caller.ts'

/** Finds out who somebody is. */
export type Identify = () => Caller | Promise<Caller>

/**
 * Who somebody is, counted. Whoever cannot prove it counts as well, as undefined, so that nobody may guess
 * as often as it likes: a refusal to count takes the place of the other, and says nothing else.
 *
 * @throws what `identify` and `count` throw.
 */
export async function countedCaller(
  identify: Identify,
  count: (caller: Caller | undefined) => void,
): Promise<Caller> {
  let caller: Caller
  try {
    caller = await identify()
  } catch (error) {
    count(undefined)
    throw error
  }
  count(caller)
  return caller
}
