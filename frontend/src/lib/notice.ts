import { readonly, ref } from 'vue'

const SHOWN_MS = 3000

const text = ref('')
let timer: ReturnType<typeof setTimeout> | undefined

/** One short line that confirms what was just done; the shell shows it and screen readers say it. */
export const notice = readonly(text)

export function say(line: string): void {
  clearTimeout(timer)
  text.value = line
  timer = setTimeout(() => (text.value = ''), SHOWN_MS)
}
