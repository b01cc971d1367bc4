/** Endpoint, region and key of an S3 store. */

import { describe, expect, test } from "bun:test";
import { regionOf, type S3Spec, s3Address, s3Key } from "../../../src/origin/s3-address.ts";

const spec = (more: Partial<S3Spec>): S3Spec => ({
  kind: "s3",
  name: "origin",
  endpoint: "https://s3.eu-central-1.example.com",
  bucket: undefined,
  region: undefined,
  prefix: "",
  pathStyle: false,
  ...more,
});

describe("the bucket of an S3 store", () => {
  test("is named by the host when the topology names none", () => {
    const endpoint = "https://photos.s3.eu-central-1.example.com";
    expect(s3Address(spec({ endpoint }))).toEqual({
      endpoint,
      virtualHosted: true,
      bucket: undefined,
      region: "eu-central-1",
    });
  });

  test("goes in front of the host, once", () => {
    const endpoint = "https://photos.s3.eu-central-1.example.com";
    expect(s3Address(spec({ bucket: "photos" })).endpoint).toBe(endpoint);
    expect(s3Address(spec({ bucket: "photos", endpoint })).endpoint).toBe(endpoint);
    const port = spec({ bucket: "photos", endpoint: "http://store.example:9000" });
    expect(s3Address(port).endpoint).toBe("http://photos.store.example:9000");
  });

  test("goes into the path under path_style", () => {
    const endpoint = "http://127.0.0.1:9000";
    const address = s3Address(spec({ endpoint, bucket: "photos", pathStyle: true }));
    expect(address).toMatchObject({ endpoint, virtualHosted: false, bucket: "photos" });
  });
});

describe("the region of an S3 store", () => {
  test("is the one the topology gives", () => {
    expect(s3Address(spec({ region: "moon-1" })).region).toBe("moon-1");
  });

  test("is else read off the host", () => {
    expect(regionOf("https://s3.us-west-2.amazonaws.com")).toBe("us-west-2");
    expect(regionOf("https://b.s3.us-west-2.amazonaws.com")).toBe("us-west-2");
    expect(regionOf("https://s3-us-west-2.amazonaws.com")).toBe("us-west-2");
    expect(regionOf("https://b.s3.dualstack.eu-west-1.amazonaws.com")).toBe("eu-west-1");
    expect(regionOf("https://s3.us-west-004.backblazeb2.com")).toBe("us-west-004");
  });

  test("is else what stores without regions expect", () => {
    expect(regionOf("https://s3.amazonaws.com")).toBe("us-east-1");
    expect(regionOf("https://photos.s3.amazonaws.com")).toBe("us-east-1");
    expect(regionOf("http://127.0.0.1:9000")).toBe("us-east-1");
    expect(regionOf("https://account.r2.cloudflarestorage.com")).toBe("auto");
  });
});

test("a key is the prefix and the path, without empty segments at its ends", () => {
  expect(s3Key("", "a/b.jpg")).toBe("a/b.jpg");
  expect(s3Key("originals/", "b.jpg")).toBe("originals/b.jpg");
  expect(s3Key("/originals//", "b.jpg")).toBe("originals/b.jpg");
  expect(s3Key("2024-", "b.jpg")).toBe("2024-b.jpg");
});
