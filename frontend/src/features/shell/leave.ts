import { useSession } from '@/features/auth/store'
import { stopLive } from '@/live/live'

/** Signs out and starts over with a fresh page, so that nothing of the session stays in memory. */
export async function leave(): Promise<void> {
  await useSession().leave()
  stopLive()
  window.location.assign('/login')
}
