/** How numbers are said to a person. */

const STEPS = ["B", "kB", "MB", "GB", "TB"];

const INSTANT = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

/**
 * @param {number} bytes
 * @returns {string} such as "1.4 MB"; a kilobyte is 1,000 bytes
 */
export function size(bytes) {
  const step = Math.min(STEPS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1_000 ** step;
  return `${step === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${STEPS[step]}`;
}

/**
 * @param {number} milliseconds
 * @returns {string} such as "9:41", or "2 h 05 min"
 */
export function duration(milliseconds) {
  const seconds = Math.ceil(milliseconds / 1_000);
  const minutes = Math.floor(seconds / 60);
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`;
  return `${minutes}:${twoDigits(seconds % 60)}`;
}

/**
 * @param {string} iso ISO 8601
 * @returns {string} in the reader's time zone
 */
export function instant(iso) {
  return INSTANT.format(new Date(iso));
}

/**
 * @param {string} fileName
 * @returns {string} its ending, such as "JPG"; empty if it has none
 */
export function ending(fileName) {
  return /[^.]\.([^.]{1,8})$/.exec(fileName)?.[1].toUpperCase() ?? "";
}

/** @param {number} value */
function twoDigits(value) {
  return String(value).padStart(2, "0");
}
