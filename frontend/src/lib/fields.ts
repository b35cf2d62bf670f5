import { computed, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { ApiError } from '@/api/client'
import { explain } from './errors'

/** What the server said about a form: beside the field that it names, or below when that field is not shown. */
export function useFieldErrors(failure: Ref<unknown>, shown: () => readonly string[]) {
  const { t } = useI18n()
  const text = computed(() => (failure.value ? explain(failure.value, t) : undefined))
  const field = computed(() => {
    const named = failure.value instanceof ApiError ? failure.value.field : null
    return named !== null && shown().includes(named) ? named : null
  })
  const errorOf = (name: string) => (field.value === name ? text.value : undefined)
  const rest = computed(() => (field.value === null ? text.value : undefined))
  return { field, errorOf, rest }
}
