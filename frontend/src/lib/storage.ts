/** localStorage that never throws: some browsers forbid it, and a preference is not worth a broken page. */
export function readChoice(name: string): string | null {
  try {
    return localStorage.getItem(`tocsin.${name}`)
  } catch {
    return null
  }
}

export function saveChoice(name: string, value: string): void {
  try {
    localStorage.setItem(`tocsin.${name}`, value)
  } catch {
    // It will be asked again next time.
  }
}
