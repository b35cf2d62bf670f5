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

/** The same for as long as this tab lives; null forgets. */
export function readForNow(name: string): string | null {
  try {
    return sessionStorage.getItem(`tocsin.${name}`)
  } catch {
    return null
  }
}

export function saveForNow(name: string, value: string | null): void {
  try {
    if (value === null) sessionStorage.removeItem(`tocsin.${name}`)
    else sessionStorage.setItem(`tocsin.${name}`, value)
  } catch {
    // It holds until the page is left.
  }
}
