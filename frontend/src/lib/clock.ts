import { readonly, ref } from 'vue'

const TICK_MS = 10_000
const current = ref(Date.now())
let timer: ReturnType<typeof setInterval> | undefined

/** The present, shared by every "3 minutes ago" on the page, so that all of them move together. */
export function useNow() {
  timer ??= setInterval(() => (current.value = Date.now()), TICK_MS)
  return readonly(current)
}
