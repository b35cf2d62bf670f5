import { readonly, ref } from 'vue'
import type { IconName } from '@/ui/icons'
import { readChoice, saveChoice } from './storage'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]
export const THEME_ICONS: Record<Theme, IconName> = { system: 'screen', light: 'sun', dark: 'moon' }

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

/** From what is seen now to the other one. */
export function toggleTheme(): Theme {
  const next = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark'
  setTheme(next)
  return next
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
  colourWindow()
}

const BARS = { light: '#ffffff', dark: '#19191c' }

/** The browser's own bars follow a theme that was chosen here as well as the system's. */
function colourWindow() {
  for (const scheme of ['light', 'dark'] as const) {
    const meta = document.querySelector(`meta[name="theme-color"][media*="${scheme}"]`)
    meta?.setAttribute('content', BARS[chosen.value === 'system' ? scheme : chosen.value])
  }
}
