# resnetd: one program, the libraries it is linked to, nothing else.
#   docker build --tag resnetd .
#   docker run --rm --read-only --publish 8080:8080 resnetd
# scripts/build-image passes the arguments that are empty here.

ARG DEBIAN_IMAGE=docker.io/library/debian:bookworm-slim
ARG SWIFT_IMAGE=docker.io/library/swift:6.3-bookworm

# Where Debian's packages come from: with a time such as 20261130T000000Z from snapshot.debian.org,
# as they were then, otherwise the newest. The bill of materials has their versions.
FROM $DEBIAN_IMAGE AS sources
ARG DEBIAN_SNAPSHOT=
RUN if [ -n "$DEBIAN_SNAPSHOT" ]; then sed --in-place --regexp-extended \
  "s|^URIs: http://deb.debian.org/(.*)|Check-Valid-Until: no\nURIs: http://snapshot.debian.org/archive/\1/$DEBIAN_SNAPSHOT|" \
  /etc/apt/sources.list.d/debian.sources; fi

FROM $DEBIAN_IMAGE AS libraries
# Libraries for further image formats, which the program opens if they are there:
#   docker build --build-arg IMAGE_LIBRARIES='libtiff6 libheif1' --tag resnetd .
ARG IMAGE_LIBRARIES=
# Programs read neither documents nor translations nor manuals; copyrights stay. Left out too are
# libraries and plugins that nothing here is linked to and only a configuration would load, which ldd
# holds against the rest, and the symbols that packages are built with. What is deleted at the end
# but those is made anew at each build, with other times inside.
# hadolint ignore=DL3008,DL4006
RUN --mount=type=bind,from=sources,source=/etc/apt,target=/run/apt \
  apt-get --option Dir::Etc=/run/apt update \
  && apt-get --option Dir::Etc=/run/apt install --yes --no-install-recommends \
    --option 'DPkg::Options::=--path-exclude=/usr/share/doc/*/*' \
    --option 'DPkg::Options::=--path-include=/usr/share/doc/*/copyright' \
    --option 'DPkg::Options::=--path-exclude=/usr/share/doc-base/*' \
    --option 'DPkg::Options::=--path-exclude=/usr/share/lintian/*' \
    --option 'DPkg::Options::=--path-exclude=/usr/share/locale/*' \
    --option 'DPkg::Options::=--path-exclude=/usr/share/man/*' \
    --option 'DPkg::Options::=--path-exclude=/usr/lib/*/libbrotlienc.so*' \
    --option 'DPkg::Options::=--path-exclude=/usr/lib/*/libexpatw.so*' \
    --option 'DPkg::Options::=--path-exclude=/usr/lib/*/engines-3/*' \
    --option 'DPkg::Options::=--path-exclude=/usr/lib/*/ossl-modules/*' \
    --option 'DPkg::Options::=--path-exclude=/usr/lib/*/krb5/plugins/*' \
    --option 'DPkg::Options::=--path-exclude=/usr/lib/*/sasl2/*' \
    libcurl4 libdnnl2 libexpat1 libgif7 libgomp1 libjansson4 libjpeg62-turbo liblcms2-2 libonnx1 libpcre2-8-0 libprotobuf32 libseccomp2 libspng0 \
    libssl3 libwebp7 libyajl2 libzip4 libzstd1 zlib1g $IMAGE_LIBRARIES \
  && ! ldd /usr/lib/*-linux-gnu*/*.so.* 2>/dev/null | grep 'not found' \
  && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/cache/ldconfig/* /var/lib/dpkg/*-old /var/log/* \
    /var/lib/dpkg/info/*.symbols
# A new volume that is mounted here belongs to whom the folder does.
RUN install --directory --owner 65532 --group 65532 /state

FROM $SWIFT_IMAGE AS build
WORKDIR /source
COPY scripts/setup scripts/setup
RUN --mount=type=bind,from=sources,source=/etc/apt,target=/run/apt \
  cp /run/apt/sources.list.d/debian.sources /etc/apt/sources.list.d/ \
  && scripts/setup && rm -rf /var/lib/apt/lists/*
# The manifest names tests and benchmarks, so SwiftPM wants to see them; they are not built.
COPY Package.swift ./
COPY Sources Sources
COPY Tests Tests
COPY benchmarks benchmarks
# lld leaves out of the program what no other can look up in it, each function by itself if nothing
# calls it, and packs its relocations. The
# compiler's own tables come in the same order each time where hashes are not random, and the digest
# of each module that it leaves is for the compiler alone.
RUN SWIFT_DETERMINISTIC_HASHING=1 swift build --configuration release --static-swift-stdlib \
    --product resnetd -Xswiftc -use-ld=lld -Xlinker --no-export-dynamic \
    -Xlinker -z -Xlinker pack-relative-relocs -Xswiftc -Xfrontend -Xswiftc -function-sections \
  && strip --strip-all --remove-section=.swift_modhash .build/release/resnetd -o /resnetd
# What the image is made of, in SPDX.
ARG DEBIAN_IMAGE
ARG SWIFT_IMAGE
ARG DEBIAN_SNAPSHOT=
ARG COMMIT=
ARG SOURCE_DATE_EPOCH=
COPY scripts/image/sbom scripts/image/sbom.jq scripts/image/
COPY --from=libraries /var/lib/dpkg /libraries/dpkg
COPY --from=libraries /usr/share/doc /libraries/documents
RUN scripts/image/sbom /resnetd /libraries/dpkg /libraries/documents >/sbom.spdx.json

FROM libraries
# The list alone: the package brings the tools that make it, and openssl.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /resnetd /usr/local/bin/resnetd
COPY --from=build /sbom.spdx.json /usr/share/doc/resnetd/sbom.spdx.json
COPY --chmod=644 LICENSE /usr/share/doc/resnetd/copyright

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
