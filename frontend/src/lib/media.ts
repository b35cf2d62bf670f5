import { onScopeDispose, readonly, ref } from 'vue'

/** Whether a media query holds, kept up to date. */
export function useMedia(query: string) {
  const list = window.matchMedia?.(query)
  const matches = ref(list?.matches ?? false)
  const update = () => (matches.value = list?.matches ?? false)
  list?.addEventListener('change', update)
  onScopeDispose(() => list?.removeEventListener('change', update))
  return readonly(matches)
}
