# resnetd: one program, the libraries it is linked to, nothing else.
#   docker build --tag resnetd .
#   docker run --rm --read-only --publish 8080:8080 resnetd

FROM swift:6.3-bookworm AS build
WORKDIR /source
COPY scripts/setup scripts/setup
RUN scripts/setup && rm -rf /var/lib/apt/lists/*
# The manifest names tests and benchmarks, so SwiftPM wants to see them; they are not built.
COPY Package.swift ./
COPY Sources Sources
COPY Tests Tests
COPY benchmarks benchmarks
RUN swift build --configuration release --static-swift-stdlib --product resnetd \
  && strip --strip-all .build/release/resnetd -o /resnetd

FROM debian:bookworm-slim
# Libraries for further image formats, which the program opens if they are there:
#   docker build --build-arg IMAGE_LIBRARIES='libtiff6 libheif1' --tag resnetd .
ARG IMAGE_LIBRARIES=
# Programs read neither changelogs nor translations; copyrights stay. The release fixes the versions:
# an older one is gone from the archive with the next security update.
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install --yes --no-install-recommends \
    --option 'DPkg::Options::=--path-exclude=/usr/share/doc/*/changelog*' \
    --option 'DPkg::Options::=--path-exclude=/usr/share/locale/*' \
    libcurl4 libdnnl2 libexpat1 libgif7 libgomp1 libjansson4 libjpeg62-turbo liblcms2-2 libonnx1 libprotobuf32 libseccomp2 libspng0 \
    libssl3 libwebp7 libyajl2 libzip4 libzstd1 zlib1g $IMAGE_LIBRARIES \
  && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/log/*
# The list alone: the package brings the tools that make it, and openssl.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /resnetd /usr/local/bin/resnetd

# A new volume that is mounted here belongs to whom the folder does.
RUN install --directory --owner 65532 --group 65532 /state

# Inside a container, the loopback would be reachable by nobody.
ENV RESNETD_HOST=0.0.0.0
EXPOSE 8080
# A number, so that Kubernetes can see that it is not root; nothing but /state belongs to it.
USER 65532:65532
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["resnetd", "healthcheck"]
ENTRYPOINT ["resnetd"]
CMD ["serve"]

LABEL org.opencontainers.image.title="resnetd" \
  org.opencontainers.image.description="Image classification by residual networks over HTTP" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.base.name="docker.io/library/debian:bookworm-slim"
