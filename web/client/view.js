/**
 * A picture or a video that stays on the screen though its URL changes.
 *
 * When the lease is renewed, a picture and a resting video take the new URL at once. A video that
 * plays keeps the old one, since what it has buffered is good and a reload would be seen. It takes
 * the new one when it pauses, runs dry or fails. Running dry has to count: a browser whose read is
 * refused may go on trying for half a minute before it calls that an error.
 *
 * A failed load first gets a new URL, in case the old one was the cause, and then more time.
 * What cannot be decoded is not tried again: no URL mends that.
 */

import { pauseAfter, wait } from "./backoff.js";

const RETRIES = 3;

/** `MediaError.MEDIA_ERR_DECODE` of the HTML standard. */
const DECODE_ERROR = 3;

/** `HTMLMediaElement.HAVE_FUTURE_DATA`: below it, playback stands still. */
const HAVE_FUTURE_DATA = 3;

export class View {
  #lease;
  #screen;
  #onLost;
  #delay;
  #listening = new AbortController();
  #shown = "";
  #failures = 0;
  #recovering = false;

  /**
   * @param {HTMLImageElement | HTMLVideoElement} element
   * @param {import("./delivery.js").Lease} lease
   * @param {object} [options]
   * @param {(error?: unknown) => void} [options.onLost] told when nothing more will be tried
   * @param {typeof wait} [options.delay] how time passes
   */
  constructor(element, lease, { onLost = () => {}, delay = wait } = {}) {
    const { signal } = this.#listening;
    this.#lease = lease;
    this.#screen =
      "currentTime" in element ? new VideoScreen(element, signal) : new ImageScreen(element);
    this.#onLost = onLost;
    this.#delay = delay;
    element.addEventListener("error", () => this.#failed(), { signal });
    element.addEventListener("pause", () => this.#follow(), { signal });
    element.addEventListener("waiting", () => this.#ranDry(), { signal });
    lease.addEventListener("renewed", () => this.#renewed(), { signal });
    this.#display();
  }

  /** Lets go of the element and of the lease. */
  end() {
    this.#listening.abort();
  }

  #display() {
    this.#shown = this.#lease.url;
    this.#screen.load(this.#shown);
  }

  /** Takes the lease's URL, unless that would be seen. */
  #follow() {
    if (this.#shown !== this.#lease.url && !this.#screen.busy) this.#display();
  }

  #renewed() {
    if (this.#recovering) return;
    this.#failures = 0;
    this.#follow();
  }

  #ranDry() {
    if (this.#lease.remaining > 0) this.#follow();
    else this.#lease.refresh().catch(this.#onLost);
  }

  async #failed() {
    if (this.#screen.moved()) this.#failures = 0;
    this.#recovering = true;
    try {
      await this.#recover();
    } catch (error) {
      if (!this.#listening.signal.aborted) this.#onLost(error);
    }
    this.#recovering = false;
  }

  async #recover() {
    if (this.#screen.hopeless || this.#failures === RETRIES) return this.#onLost();
    this.#failures += 1;
    const { signal } = this.#listening;
    const renewedMeanwhile = this.#shown !== this.#lease.url && this.#lease.remaining > 0;
    if (!renewedMeanwhile && this.#failures === 1) await this.#lease.refresh();
    else if (!renewedMeanwhile) await this.#delay(pauseAfter(this.#failures - 1), signal);
    if (!signal.aborted) this.#display();
  }
}

class ImageScreen {
  busy = false;
  hopeless = false;
  #image;

  /** @param {HTMLImageElement} image */
  constructor(image) {
    this.#image = image;
  }

  moved() {
    return false;
  }

  /** @param {string} url */
  load(url) {
    this.#image.src = url;
  }
}

class VideoScreen {
  #video;
  #failedAt = -1;

  /**
   * Where to go on after a load. A second load may begin before the first is done: it is kept.
   *
   * @type {{currentTime: number, playbackRate: number, playing: boolean} | null}
   */
  #place = null;

  /**
   * @param {HTMLVideoElement} video
   * @param {AbortSignal} signal
   */
  constructor(video, signal) {
    this.#video = video;
    video.addEventListener("loadedmetadata", () => this.#resume(), { signal });
  }

  /** Whether it moves before somebody's eyes. */
  get busy() {
    const { paused, ended, readyState } = this.#video;
    return !paused && !ended && readyState >= HAVE_FUTURE_DATA;
  }

  get hopeless() {
    return this.#video.error?.code === DECODE_ERROR;
  }

  /** @returns {boolean} whether it has come further since this was last asked */
  moved() {
    const before = this.#failedAt;
    this.#failedAt = this.#video.currentTime;
    return this.#failedAt !== before;
  }

  /** @param {string} url */
  load(url) {
    const { currentSrc, currentTime, playbackRate, paused, ended } = this.#video;
    if (currentSrc !== "")
      this.#place ??= { currentTime, playbackRate, playing: !paused && !ended };
    this.#video.src = url;
  }

  #resume() {
    if (this.#place === null) return;
    const { currentTime, playbackRate, playing } = this.#place;
    this.#place = null;
    if (currentTime > 0) this.#video.currentTime = currentTime;
    this.#video.playbackRate = playbackRate;
    // A browser may refuse to play what nobody has clicked on; then it stays paused.
    if (playing) this.#video.play().catch(() => {});
  }
}
