import { useI18n } from 'vue-i18n'
import { useShortcuts } from './registry'

/** `j` and `k` walk through a list, as in many programs; Enter is the browser's own. */
export function useRowKeys(step: (by: 1 | -1) => unknown): void {
  const { t } = useI18n()
  useShortcuts([
    { keys: 'j', label: () => t('shortcuts.next'), group: 'page', repeats: true, run: () => void step(1) },
    { keys: 'k', label: () => t('shortcuts.previous'), group: 'page', repeats: true, run: () => void step(-1) },
    { keys: 'Enter', label: () => t('shortcuts.enter'), group: 'page' },
  ])
}
