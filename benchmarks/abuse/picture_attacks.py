"""Pictures that cost more than they look like."""

import base64
import itertools

import jpeg
import png
import webp
import wire
from attack import BAD, BUSY, HEAVY, Attacks, Target

attacks = Attacks()
SIDE = 6320  # Its square is just under the limit of pixels.
WHOLE = HEAVY | {400}

# MARK: JPEG

attacks.post("progressive CMYK", "332 bytes whose coefficients take 320 MiB", WHOLE,
             lambda: jpeg.small_progressive(SIDE, 4))
attacks.post("progressive CMYK, whole", "the same with 6 scans", WHOLE,
             lambda: jpeg.progressive(SIDE, 4, 6))
attacks.post("100 scans", "5 KB that walk over all coefficients a hundred times", WHOLE,
             lambda: jpeg.progressive(SIDE, 1, 100))
attacks.post("a scan for each bit", "spectral selection and successive approximation", WHOLE,
             lambda: jpeg.spectral(SIDE, 100))
attacks.post("too many scans", "2,000 scans of a small picture", BAD,
             lambda: jpeg.progressive(512, 1, 2000))
attacks.post("empty APP1 markers", "8 MB of two million markers", WHOLE,
             lambda: jpeg.empty_segments(8_000_000))
attacks.post("empty COM markers", "8 MB of two million comments", WHOLE,
             lambda: jpeg.empty_segments(8_000_000, 0xFE))
attacks.post("65500 x 1", "a row as long as JPEG has them", WHOLE,
             lambda: jpeg.flat(jpeg.SIDE_LIMIT, 1, 3))
attacks.post("1 x 65500", "a column as long", WHOLE, lambda: jpeg.flat(1, jpeg.SIDE_LIMIT, 3))
attacks.post("65500 x 610", "rows as long at the limit of pixels", WHOLE,
             lambda: jpeg.flat(jpeg.SIDE_LIMIT, 610, 3))
attacks.post("restart storm", "a restart marker after each block of 40 megapixels", WHOLE,
             lambda: jpeg.flat(SIDE, SIDE, restarts=True))
attacks.post("Huffman storm", "50,000 tables of the longest codes", WHOLE,
             lambda: jpeg.table_storm(50_000))
attacks.post("impossible Huffman table", "more codes than fit", BAD, jpeg.incomplete_table,
             at_once=4)
attacks.post("EXIF bomb", "100 directories of 65,535 long values, each its own next one", WHOLE,
             lambda: jpeg.exif(65_535, True))
attacks.post("over the limit of pixels", "a header of 65500 x 65500", BAD,
             lambda: jpeg.flat(8, 8).replace(b"\x00\x08\x00\x08", b"\xff\xdc\xff\xdc"), at_once=4)

# MARK: PNG

attacks.post("interlaced 16-bit PNG", "305 MiB of samples at the limit of pixels", WHOLE,
             lambda: png.black(SIDE, SIDE, 16, 6, True))
attacks.post("PNG at the limit", "40 megapixels in 120 KB", WHOLE,
             lambda: png.black(SIDE, SIDE))
attacks.post("PNG with endless pixels", "1 GiB more than its rows need", WHOLE,
             lambda: png.black(64, 64, extra=1 << 30))
attacks.post("PNG of tiny chunks", "200,000 IDAT of one byte or none", WHOLE,
             lambda: png.tiny_chunks(200_000))
attacks.post("PNG text bomb", "texts and a profile that inflate to 1 GiB", WHOLE,
             lambda: png.text_bomb(1 << 30))
attacks.post("PNG chunk storm", "two million texts", WHOLE, lambda: png.chunk_storm(2_000_000))
attacks.post("PNG cut in the middle", "half of the pixels of 40 megapixels", BAD,
             lambda: png.black(SIDE, SIDE, cut=True))

# MARK: WebP

attacks.post("WebP of 65,536 groups", "295 KB whose tables take 371 MB", WHOLE, webp.groups)
attacks.post("animated WebP", "64 frames, each a canvas at the limit", WHOLE,
             lambda: webp.animated(SIDE, 64))
attacks.post("WebP transforms", "three transforms over 40 megapixels in 36 bytes", WHOLE,
             lambda: webp.transforms(SIDE))
attacks.post("WebP chunk storm", "two million unknown chunks", WHOLE,
             lambda: webp.chunk_storm(2_000_000))
attacks.post("WebP of a header", "16383 x 2441 and no pixels", BAD,
             lambda: webp.lossy_header(16_383, 2_441), at_once=4)


def copies() -> bytes:
    text = base64.b64encode(webp.flat(SIDE, SIDE)).decode()
    return ('{"images":["' + '","'.join([text] * 64) + '"]}').encode()


attacks.post("64 copies of a WebP", "two requests of 7 KB with 64 times 40 megapixels", HEAVY,
             copies, media_type="application/json")


@attacks.add("truncated everything", "every format, cut at every twentieth of its length",
             BAD, needed=BAD, prepares=True)
def truncated(target: Target) -> None:
    whole = [jpeg.photograph(), jpeg.progressive(512, 3, 9), png.black(512, 512),
             png.black(512, 512, 16, 6, True), webp.transforms(512), webp.groups()]
    requests = [wire.post(each[:len(each) * part // 20], "image/jpeg")
                for each in whole for part in range(1, 20)]
    turns = itertools.cycle(requests)
    target.begin()
    target.crowd(3, lambda _: target.send(next(turns)))


@attacks.add("short deadlines", "heavy pictures whose clients wait for a millisecond",
             BUSY | {504, 413, 400}, needed=frozenset({504}) | BUSY)
def short_deadlines(target: Target) -> None:
    request = wire.post(jpeg.progressive(SIDE, 1, 100), "image/jpeg", "X-Request-Timeout-Ms: 1")
    target.crowd(8, lambda _: target.send(request))


@attacks.add("priority abuse", "heavy pictures of every priority, and some that are none",
             HEAVY | {400})
def priorities(target: Target) -> None:
    picture = png.black(2000, 2000)
    requests = [wire.post(picture, "image/png", f"X-Priority: {value}")
                for value in ("high", "low", "9" * 500, "normal")]
    target.crowd(4, lambda number: target.send(requests[number]))
