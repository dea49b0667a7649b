// What an application's page would do with the clients that its users' browsers run, unmodified.

import AwsS3 from "@uppy/aws-s3";
import Uppy from "@uppy/core";
import { Upload } from "tus-js-client";

/** A video whose bytes are not all alike, and its SHA-256 in hexadecimal. */
async function made(size, head) {
  const words = new Uint32Array(Math.ceil(size / 4));
  let state = 2463534242;
  for (let at = 0; at < words.length; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[at] = state;
  }
  const bytes = new Uint8Array(words.buffer, 0, size);
  bytes.set(head);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const hash = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return { file: new File([bytes], "a.mp4", { type: "video/mp4" }), hash };
}

function uppyWith(options) {
  const uppy = new Uppy();
  uppy.use(AwsS3, options);
  return uppy;
}

/** Send a file with Uppy; pause in the middle where that is asked for. */
window.sendWithUppy = async ({ uploadUrl, size, head, multipart, pause }) => {
  const { file, hash } = await made(size, head);
  const uppy = uppyWith({ companionEndpoint: uploadUrl, shouldUseMultipart: multipart });
  const id = uppy.addFile({ name: file.name, type: file.type, data: file });
  let pauses = 0;
  if (pause) {
    uppy.on("s3-multipart:part-uploaded", () => {
      pauses += 1;
      if (pauses > 1) return;
      uppy.pauseResume(id);
      setTimeout(() => uppy.pauseResume(id), 200);
    });
  }
  const { successful, failed } = await uppy.upload();
  return { hash, pauses, location: successful[0]?.uploadURL, errors: failed.map((f) => f.error) };
};

/** Send a file with Uppy in one PUT that the Worker signs. */
window.putWithUppy = async ({ uploadUrl, size, head }) => {
  const { file, hash } = await made(size, head);
  const uppy = uppyWith({
    shouldUseMultipart: false,
    async signRequest({ key, contentType }) {
      const query = new URLSearchParams({ method: "PUT", filename: key, type: contentType });
      const answer = await fetch(`${uploadUrl}/s3/params?${query}`);
      const { url, headers, key: signed } = await answer.json();
      return { url, headers, key: signed };
    },
  });
  uppy.addFile({ name: file.name, type: file.type, data: file });
  const { failed } = await uppy.upload();
  const errors = failed.map((f) => f.error);
  const done = await fetch(`${uploadUrl}/upload/complete`, { method: "PATCH" });
  return { hash, errors, file: await done.json() };
};

/** Give a file up that Uppy is sending. */
window.cancelWithUppy = async ({ uploadUrl, size, head }) => {
  const { file } = await made(size, head);
  const uppy = uppyWith({ companionEndpoint: uploadUrl, shouldUseMultipart: true });
  uppy.addFile({ name: file.name, type: file.type, data: file });
  const cancelled = new Promise((resolve) => {
    uppy.on("s3-multipart:part-uploaded", () => {
      uppy.cancelAll();
      resolve();
    });
  });
  uppy.upload().catch(() => {});
  await cancelled;
};

/** Send a file with tus-js-client; break it off in the middle and go on where that is asked for. */
window.sendWithTus = async ({ endpoint, token, size, head, options, interrupt }) => {
  const { file, hash } = await made(size, head);
  const settings = {
    endpoint,
    headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
    metadata: { filename: file.name, filetype: file.type },
    retryDelays: [0, 200, 500, 1000, 2000, 3000],
    ...options,
  };
  let resumedAt = 0;
  if (interrupt) {
    await new Promise((resolve) => {
      const first = new Upload(file, {
        ...settings,
        onProgress: async (sent, total) => {
          if (sent < total / 2 || resumedAt) return;
          resumedAt = sent;
          await first.abort();
          resolve();
        },
      });
      first.start();
    });
  }
  const again = new Upload(file, settings);
  const [previous] = await again.findPreviousUploads();
  if (interrupt) again.resumeFromPreviousUpload(previous);
  let from;
  await new Promise((resolve, reject) => {
    again.options.onSuccess = resolve;
    again.options.onError = reject;
    again.options.onProgress = (sent) => {
      from ??= sent;
    };
    again.start();
  });
  return { hash, from, url: again.url };
};
