import { computed, onScopeDispose, shallowReactive } from 'vue'
import { useChoice } from '@/lib/choices'
import { isCharacters, isCovered, isTypedIn, pressed } from './keys'

export interface Shortcut {
  /** "g d", "?", "mod+k", "Escape". */
  keys: string
  label: () => string
  group: 'general' | 'go' | 'page'
  /** Absent for what the browser does by itself: the sheet lists it all the same. False: not now, go on as usual. */
  run?: (event: KeyboardEvent) => boolean | void
  /** Holding the key down does it again and again. */
  repeats?: boolean
  /** Works in a field and over a dialog too. */
  everywhere?: boolean
}

const SEQUENCE_MS = 1200

const declared = shallowReactive(new Set<Shortcut[]>())

/** Puts these shortcuts in force for as long as the surrounding component lives. */
export function useShortcuts(shortcuts: Shortcut[]): void {
  declared.add(shortcuts)
  onScopeDispose(() => declared.delete(shortcuts))
}

/** Whether single keys do anything; remembered in this browser. */
export function useCharacterKeys() {
  const choice = useChoice('shortcuts', ['on', 'off'], 'on')
  return computed({ get: () => choice.value === 'on', set: (on) => (choice.value = on ? 'on' : 'off') })
}

/** Those that work right now, the page's own after those of the shell. */
export function useShortcutsInForce() {
  const characters = useCharacterKeys()
  return computed(() => [...declared].flat().filter(({ keys }) => characters.value || !isCharacters(keys)))
}

/** The one listener. Whoever declared a key last has it: a page goes before the shell. */
export function startShortcuts(): void {
  const inForce = useShortcutsInForce()
  let before = ''
  let beforeAt = 0

  function find(key: string, now: number, isBusy: boolean): Shortcut | undefined {
    const keys = before && now - beforeAt < SEQUENCE_MS ? `${before} ${key}` : key
    before = ''
    const found = inForce.value.findLast((shortcut) => shortcut.keys === keys && (shortcut.everywhere || !isBusy))
    if (!found && !isBusy && inForce.value.some((shortcut) => shortcut.keys.startsWith(`${key} `))) {
      before = key
      beforeAt = now
    }
    return found
  }

  function onKey(event: KeyboardEvent) {
    const key = event.defaultPrevented ? null : pressed(event)
    if (!key) return
    const isBusy = isTypedIn(event.target) || isCovered()
    const shortcut = find(key, event.timeStamp, isBusy)
    if (!shortcut?.run || (event.repeat && !shortcut.repeats)) return
    if (shortcut.run(event) !== false) event.preventDefault()
  }

  window.addEventListener('keydown', onKey)
  onScopeDispose(() => window.removeEventListener('keydown', onKey))
}
