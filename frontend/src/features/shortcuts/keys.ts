/** How shortcuts are written: "g d" is one key after the other, "mod+k" is Ctrl or Cmd; other names are `event.key`. */
export function pressed(event: KeyboardEvent): string | null {
  const { key, shiftKey } = event
  if (event.isComposing || event.altKey || /^(Shift|Control|Alt|Meta|CapsLock)$/.test(key)) return null
  const isLetter = key.length === 1 && key.toLowerCase() !== key.toUpperCase()
  if (event.ctrlKey || event.metaKey) return shiftKey ? null : `mod+${key.toLowerCase()}`
  // "?" and "/" need Shift on some keyboards, a letter with Shift is meant as another key.
  if (isLetter) return shiftKey ? null : key.toLowerCase()
  return key
}

/** Characters can be spoken or typed by accident, so these shortcuts may be switched off (WCAG 2.1.4). */
export function isCharacters(keys: string): boolean {
  return keys.split(' ').every((key) => key.length === 1)
}

const NOT_TYPED_IN = /^(button|checkbox|color|file|image|radio|range|reset|submit)$/

export function isTypedIn(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target instanceof HTMLInputElement) return !NOT_TYPED_IN.test(target.type)
  return target.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target.tagName)
}

/** Whether something lies over the page that has the keyboard for itself. */
export function isCovered(): boolean {
  if (document.querySelector('[role="dialog"], [role="alertdialog"], dialog[open]')) return true
  return [...document.querySelectorAll('[popover]')].some((element) => isShown(element))
}

function isShown(popover: Element): boolean {
  try {
    return popover.matches(':popover-open')
  } catch {
    return false // a browser that has no popovers shows none
  }
}

const ARIA_NAMES: Record<string, string> = { 'mod+k': 'Control+K Meta+K' }

/** The same for `aria-keyshortcuts`, which has no word for one key after the other. */
export function ariaKeys(keys: string): string | undefined {
  return ARIA_NAMES[keys] ?? (keys.includes(' ') ? undefined : keys)
}
