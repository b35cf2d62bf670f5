import { shallowRef } from 'vue'

/** What lies over the page; one thing at a time. */
export const overlay = shallowRef<'palette' | 'shortcuts' | null>(null)
