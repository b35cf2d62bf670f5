import { readonly, ref } from 'vue'
import { readChoice, saveChoice } from './storage'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const chosen = ref<Theme>('system')
export const theme = readonly(chosen)

/** Takes over from /theme.js and follows the system from then on. */
export function startTheme(): void {
  const saved = readChoice('theme')
  chosen.value = THEMES.find((name) => name === saved) ?? 'system'
  const system = window.matchMedia('(prefers-color-scheme: dark)')
  system.addEventListener('change', apply)
  apply()
}

export function setTheme(next: Theme): void {
  chosen.value = next
  saveChoice('theme', next)
  apply()
}

function apply() {
  const dark =
    chosen.value === 'dark' ||
    (chosen.value === 'system' && window.matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.dataset.theme = dark ? 'dark' : 'light'
}
