import { createI18n } from 'vue-i18n'
import { readChoice, saveChoice } from './storage'

export const LOCALES = ['en', 'fr'] as const
export type Locale = (typeof LOCALES)[number]
// A language is named in itself, for those who cannot read the current one.
export const LANGUAGE_NAMES: Record<Locale, string> = { en: 'English', fr: 'Français' }

// Only the language in use is downloaded. English is not a fallback: a test keeps both files complete.
const LOADERS: Record<Locale, () => Promise<{ default: Record<string, unknown> }>> = {
  en: () => import('@/locales/en.json'),
  fr: () => import('@/locales/fr.json'),
}

export const i18n = createI18n({
  legacy: false,
  locale: 'en',
  messages: {},
  // In French nothing is singular too. A text with three forms has one of its own for nothing.
  pluralRules: { fr: (count: number, forms: number) => (forms === 3 ? Math.min(count, 2) : count < 2 ? 0 : 1) },
  missingWarn: false,
  fallbackWarn: false,
})

export function preferredLocale(): Locale {
  const wanted = [readChoice('locale'), ...navigator.languages.map((language) => language.slice(0, 2))]
  return wanted.flatMap((name) => LOCALES.filter((locale) => locale === name))[0] ?? 'en'
}

export async function useLocale(locale: Locale): Promise<void> {
  const messages = await LOADERS[locale]()
  i18n.global.setLocaleMessage(locale, messages.default as never)
  i18n.global.locale.value = locale as never
  document.documentElement.lang = locale
}

export async function chooseLocale(locale: Locale): Promise<void> {
  saveChoice('locale', locale)
  await useLocale(locale)
}
