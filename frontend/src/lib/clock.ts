import { onScopeDispose, readonly, ref } from 'vue'

const TICK_MS = 10_000
const current = ref(Date.now())
let timer: ReturnType<typeof setInterval> | undefined

/** The present, shared by every "3 minutes ago" on the page, so that all of them move together. */
export function useNow() {
  timer ??= setInterval(() => (current.value = Date.now()), TICK_MS)
  return readonly(current)
}

const SECOND_MS = 1000
const exact = ref(Date.now())
let watching = 0
let seconds: ReturnType<typeof setInterval> | undefined

/** The present to the second, for what counts down; it ticks only while somebody looks. */
export function useSeconds() {
  if (watching++ === 0) {
    exact.value = Date.now()
    seconds = setInterval(() => (exact.value = Date.now()), SECOND_MS)
  }
  onScopeDispose(() => {
    if (--watching === 0) clearInterval(seconds)
  })
  return readonly(exact)
}
