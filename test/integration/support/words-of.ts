/** What it throws, in words; `nothing` where it does not. */
export async function wordsOf(work: () => unknown): Promise<string> {
  try {
    await work()
    return 'nothing'
  } catch (error) {
    return String(error)
  }
}
