/** Number of single-character changes that turn one text into the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (const [row, fromCharacter] of from.split('').entries()) {
    const current = [row + 1]
    for (const [column, toCharacter] of to.split('').entries()) {
      const replaced = (previous[column] ?? 0) + (fromCharacter === toCharacter ? 0 : 1)
      const shifted = Math.min(previous[column + 1] ?? 0, current[column] ?? 0) + 1
      current.push(Math.min(replaced, shifted))
    }
    previous = current
  }
  return previous[to.length] ?? 0
}

/** Most changes that still count as a misspelling. */
const MAX_DISTANCE = 3

/** The known name that this is a misspelling of, the first of equally near ones; undefined when it is like none. */
export function misspeltName(name: string, known: readonly string[]): string | undefined {
  let nearest: { readonly name: string; readonly distance: number } | undefined
  for (const candidate of known) {
    const distance = editDistance(name, candidate)
    if (nearest === undefined || distance < nearest.distance)
      nearest = { name: candidate, distance }
  }
  return nearest !== undefined && nearest.distance <= MAX_DISTANCE ? nearest.name : undefined
}
