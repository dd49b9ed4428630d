FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build

FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM node:24-slim
WORKDIR /app
# Below a mounted config.yaml, unlike HOST. Beyond loopback the service starts only with keys, or with
# AUTH_DISABLED=true.
ENV NODE_ENV=production DEFAULT_HOST=0.0.0.0
COPY package.json LICENSE ./
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
# A number, as Kubernetes cannot tell of a name that it is not root. All files are root's, and the
# service writes none: the root file system may be read-only.
USER 1000:1000
EXPOSE 8080
# /healthz and not /readyz: what is unhealthy gets restarted, and that helps neither a Redis that is
# away nor a node that drains. It asks where the settings say that the service listens.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["node", "dist/bin/check-health.js"]
# In this form node is process 1 and gets SIGTERM itself.
CMD ["node", "dist/main.js"]
