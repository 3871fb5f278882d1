// Runs in the page: two peer connections that can reach each other only through the relay.
const MESSAGES = 200;
const PATIENCE = 30_000;

function within(milliseconds, what, promise) {
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`${what}: not within ${milliseconds} ms`)), milliseconds);
  });
  return Promise.race([promise, late]);
}

function relayOnly(configuration) {
  return new RTCPeerConnection({ ...configuration, iceTransportPolicy: "relay" });
}

function passCandidates(from, to, candidates) {
  from.addEventListener("icecandidate", ({ candidate }) => {
    if (!candidate) return;
    if (candidate.candidate !== "") candidates.push({ type: candidate.type, sdp: candidate.candidate });
    to.addIceCandidate(candidate);
  });
}

async function negotiate(one, other) {
  await one.setLocalDescription();
  await other.setRemoteDescription(one.localDescription);
  await other.setLocalDescription();
  await one.setRemoteDescription(other.localDescription);
}

// Sends numbered messages and resolves when as many have come the other way, in order.
function exchange(channel) {
  return new Promise((resolve, reject) => {
    let received = 0;
    channel.onmessage = ({ data }) => {
      if (!data.startsWith(`${received} `)) reject(new Error(`out of order: ${data.slice(0, 20)}`));
      if (++received === MESSAGES) resolve();
    };
    for (let i = 0; i < MESSAGES; ++i) channel.send(`${i} ${"x".repeat(1000)}`);
  });
}

async function stats(connection) {
  const all = [...(await connection.getStats()).values()];
  const of = (type, test = () => true) => all.find((entry) => entry.type === type && test(entry));
  const video = (entry) => entry.kind === "video";
  const transport = of("transport");
  const pair = all.find((entry) => entry.id === transport.selectedCandidatePairId);
  const type = (id) => all.find((entry) => entry.id === id)?.candidateType;
  return {
    pair: pair && { local: type(pair.localCandidateId), remote: type(pair.remoteCandidateId) },
    channel: of("data-channel"),
    sent: of("outbound-rtp", video)?.bytesSent ?? 0,
    received: of("inbound-rtp", video)?.bytesReceived ?? 0,
    decoded: of("inbound-rtp", video)?.framesDecoded ?? 0,
  };
}

async function videoFlows(connection) {
  for (;;) {
    const now = await stats(connection);
    if (now.sent > 20_000 && now.received > 20_000 && now.decoded > 10) return now;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

// One call with a data channel and a video track each way; what the two ends saw of it.
window.call = async (configuration) => {
  const ends = [relayOnly(configuration), relayOnly(configuration)];
  const [one, other] = ends;
  const candidates = [];
  passCandidates(one, other, candidates);
  passCandidates(other, one, candidates);

  const media = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
  for (const end of ends) for (const track of media.getTracks()) end.addTrack(track, media);
  const channel = one.createDataChannel("test");
  const opened = new Promise((resolve) => (channel.onopen = resolve));
  const accepted = new Promise((resolve) => (other.ondatachannel = (e) => resolve(e.channel)));

  await negotiate(one, other);
  const [far] = await within(PATIENCE, "data channel", Promise.all([accepted, opened]));
  await within(PATIENCE, "messages", Promise.all([exchange(channel), exchange(far)]));
  const seen = await within(PATIENCE, "video", Promise.all(ends.map(videoFlows)));
  for (const end of ends) end.close();
  for (const track of media.getTracks()) track.stop();
  return { candidates, ends: seen, messages: MESSAGES };
};

// Gathers only, and returns the first error of a candidate with what was gathered until then.
window.gatherUntilError = async (configuration) => {
  const connection = relayOnly(configuration);
  const candidates = [];
  connection.addEventListener("icecandidate", ({ candidate }) => {
    if (candidate?.candidate) candidates.push(candidate.candidate);
  });
  const failed = new Promise((resolve) => {
    connection.onicecandidateerror = ({ errorCode, url }) => resolve({ errorCode, url });
  });
  connection.createDataChannel("test");
  await connection.setLocalDescription();
  const error = await within(PATIENCE, "icecandidateerror", failed);
  connection.close();
  return { ...error, candidates };
};
