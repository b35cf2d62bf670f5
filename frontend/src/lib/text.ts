/** "alpha, beta and gamma", as the language joins them. */
export function listOf(names: string[], locale: string): string {
  return new Intl.ListFormat(locale, { type: 'conjunction' }).format(names)
}

/** Search without regard to case or accents. */
export function plain(text: string): string {
  return text.normalize('NFD').replace(/\p{Mn}/gu, '').toLowerCase()
}

/** Whether every word of a search is somewhere in the text; an empty search finds everything. */
export function hasEveryWord(text: string, search: string): boolean {
  const searched = plain(text)
  return plain(search).split(/\s+/).every((word) => searched.includes(word))
}
