// From files to counted photos: each is uploaded by itself, and counted as soon as it is there.

import { ask, patiently, upload } from "./events.js";

const AT_ONCE = 2; // uploads; on a slow line one, since an upload has a time limit
const BATCH = 4; // photos counted by one event
const BATCH_BYTES = 0.5; // of what one request may hold

/** The photos that are on their way, and those that failed. */
export class Intake {
  /**
   * @param limits what the service told at the start
   * @param minScore returns the slider's value
   * @param small returns whether small objects are looked for, which takes long
   * @param told called with counted photos and the reply; with the state after each change
   */
  constructor(limits, { minScore, small }, { counted, changed }) {
    this.limits = limits;
    this.minScore = minScore;
    this.small = small;
    this.counted = counted;
    this.changed = changed;
    this.jobs = [];
    this.failed = [];
    this.atOnce = AT_ONCE;
    this.uploading = 0;
    this.counting = false;
  }

  get busy() {
    return this.jobs.some(({ state }) => state !== "done");
  }

  get done() {
    return this.jobs.filter((job) => job.state === "done").length;
  }

  /** Of all photos, a half for their upload and a half for their count. */
  get progress() {
    return this.jobs.reduce((sum, job) => sum + (job.state === "done" ? 1 : job.sent / 2), 0);
  }

  /** Files of the browser; those that are no photos by name and type fail at once. */
  addFiles(files) {
    this.add([...files].map((file) => {
      const name = file.webkitRelativePath || file.name; // folders tell cameras apart
      return { name: name.toWellFormed?.() ?? name, file, bytes: file.size, sent: 0 };
    }));
  }

  addExamples(positions) {
    this.add(positions.map(([name, example]) => ({ name, example, bytes: 0, sent: 1 })));
  }

  addLocal(names) {
    this.add(names.map((local) => ({ name: local, local, bytes: 0, sent: 1 })));
  }

  /** Leave out what is not counted yet. */
  stop() {
    for (const job of this.jobs) {
      const left = job.state !== "done" && job.state !== "counting"; // those are as good as counted
      if (left) {
        job.state = "stopped";
        this.fail(job, "stopped before it was counted");
      }
    }
    this.changed();
  }

  again() {
    const jobs = this.failed.splice(0);
    this.add(jobs.map((job) => ({ ...job, sent: job.path || !job.file ? 1 : 0 })));
  }

  forgetFailed() {
    this.failed = [];
    this.changed();
  }

  add(jobs) {
    if (!this.busy) this.jobs = []; // the bar begins anew
    for (const job of jobs) {
      job.state = job.path || !job.file ? "ready" : "new";
      this.jobs.push(job);
      const why = this.refused(job);
      if (why) this.fail(job, why);
    }
    this.run();
  }

  refused({ file, name }) {
    if (!file) return "";
    const suffix = name.slice(name.lastIndexOf(".")).toLowerCase();
    if (!file.type.startsWith("image/") && !this.limits.suffixes.includes(suffix)) {
      return "no photo, by its name";
    }
    if (!file.size) return "this file is empty";
    const limit = this.limits.max_photo_mb;
    return file.size > limit * 1e6 ? `larger than ${limit} MB, which is the most for a photo` : "";
  }

  fail(job, why) {
    job.why = why;
    this.jobs = this.jobs.filter((other) => other !== job);
    this.failed.push(job);
  }

  /** Start what can be started; called again whenever something ends. */
  run() {
    while (this.uploading < this.atOnce) {
      const job = this.jobs.find(({ state }) => state === "new");
      if (!job) break;
      this.uploading += 1;
      this.uploadJob(job).finally(() => {
        this.uploading -= 1;
        this.run();
      });
    }
    const batch = this.counting ? [] : this.nextBatch();
    if (batch.length) {
      this.counting = true;
      this.countBatch(batch).finally(() => {
        this.counting = false;
        this.run();
      });
    }
    this.changed();
  }

  async uploadJob(job) {
    job.state = "uploading";
    const stopped = () => job.state !== "uploading";
    try {
      job.path = await patiently(() => this.uploadOne(job), stopped);
      if (!stopped()) job.state = "ready";
    } catch (error) {
      if (!stopped()) this.fail(job, error.message);
    }
  }

  async uploadOne(job) {
    try {
      return await upload(job.file, (fraction) => {
        job.sent = fraction;
        this.changed();
      });
    } catch (error) {
      if (error.mayPass) this.atOnce = 1;
      job.late = true; // the others do not wait for it
      throw error;
    }
  }

  nextBatch() {
    const batch = [];
    let bytes = 0;
    for (const job of this.jobs) {
      if ((job.state === "new" || job.state === "uploading") && !job.late) break; // in their order
      if (job.state !== "ready") continue;
      bytes += job.bytes;
      const most = this.small() ? 1 : Math.min(BATCH, this.limits.max_photos_at_once);
      const full = batch.length >= most;
      if (full || (batch.length && bytes > this.limits.max_photo_mb * 1e6 * BATCH_BYTES)) break;
      batch.push(job);
    }
    return batch;
  }

  async countBatch(batch) {
    for (const job of batch) job.state = "counting";
    const request = {
      min_score: this.minScore(),
      small: this.small(),
      photos: batch.filter(({ path }) => path).map(({ path, name }) => ({ path, name })),
      examples: batch.filter((job) => job.example !== undefined).map(({ example }) => example),
      local: batch.filter(({ local }) => local).map(({ local }) => local),
    };
    try {
      const reply = await ask("count", request, { soon: false });
      for (const job of batch) job.state = "done";
      this.counted(reply);
    } catch (error) {
      if (batch.length > 1) {
        for (const job of batch) await this.countBatch([job]); // which of them is it?
      } else {
        this.fail(batch[0], error.message);
      }
    }
  }
}
