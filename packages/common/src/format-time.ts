/** `2026-01-31 12:05:00`, in the time zone of whoever looks. */
export const formatTime = (iso: string | null): string => {
  if (iso === null) return '-';
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return iso;
  const local = new Date(time.getTime() - time.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19).replace('T', ' ');
};
