import type { Outcome } from './loaded-worker.ts'

/** What two workers may not share, as words for whoever reads the refusal. */
function claimsOf(outcome: Outcome): readonly string[] {
  if (!('worker' in outcome)) return []
  const { name, agent } = outcome.worker
  const own = [`the worker's name "${name}"`]
  // Whoever reads a channel takes "Support" and "support" for one.
  if (agent !== undefined)
    own.push(`the agent's name "${agent.name.toLowerCase()}"`, `the agent's id ${agent.id}`)
  return own
}

/** Of several that claim the same, the first by file name serves; the others are told which has it. */
export function refuseDoubles(outcomes: readonly Outcome[]): readonly Outcome[] {
  const owners = new Map<string, string>()
  return outcomes.map((outcome) => {
    const claims = claimsOf(outcome)
    const taken = claims.filter((claim) => owners.has(claim))
    if (taken.length > 0) {
      const problem = taken.map((claim) => `${claim} belongs to ${owners.get(claim)}`).join('; ')
      return { file: outcome.file, problem }
    }
    for (const claim of claims) owners.set(claim, outcome.file.file)
    return outcome
  })
}
