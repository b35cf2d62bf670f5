import { useI18n } from 'vue-i18n'
import { useRouter } from 'vue-router'
import { isCovered } from '@/features/shortcuts/keys'
import { startShortcuts, useShortcuts } from '@/features/shortcuts/registry'
import { say } from '@/lib/notice'
import { toggleTheme } from '@/lib/theme'
import { overlay } from './overlay'
import { PAGES } from './pages'

/** The keys that work on every page. */
export function useShellShortcuts(): void {
  const { t } = useI18n()
  const router = useRouter()

  function togglePalette() {
    if (overlay.value === 'palette') overlay.value = null
    else if (!isCovered()) overlay.value = 'palette'
  }

  startShortcuts()
  useShortcuts(
    PAGES.map(({ name, to, key }) => ({
      keys: `g ${key}`,
      label: () => t(`nav.${name}`),
      group: 'go' as const,
      run: () => void router.push(to),
    })),
  )
  useShortcuts([
    { keys: 'mod+k', label: () => t('shortcuts.palette'), group: 'general', everywhere: true, run: togglePalette },
    { keys: '?', label: () => t('shortcuts.help'), group: 'general', run: () => void (overlay.value = 'shortcuts') },
    {
      keys: 't',
      label: () => t('shortcuts.theme'),
      group: 'general',
      run: () => say(t('palette.theme', { theme: t(`theme.${toggleTheme()}`) })),
    },
    { keys: 'Escape', label: () => t('shortcuts.escape'), group: 'general' },
  ])
}
