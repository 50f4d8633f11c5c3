/** Half a surrogate pair cannot be stored as UTF-8: the text with a replacement character instead. */
export function wellFormed(text: string): string
export function wellFormed(text: string | undefined): string | undefined
export function wellFormed(text: string | undefined): string | undefined {
  return text?.replaceAll(/\p{Surrogate}/gu, '\uFFFD')
}

/** Whether the text ends in the first half of a surrogate pair, of which the second may come yet. */
export function endsInHalf(text: string): boolean {
  const last = text.charCodeAt(text.length - 1)
  return last >= 0xd800 && last <= 0xdbff
}
