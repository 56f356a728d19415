# The Api; with --migrate it brings the database's schema up to date and ends. Context: the repository's root.
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /repo
# first what a restore reads, so that a change of code does not fetch packages again
COPY Directory.Build.props Directory.Packages.props BannedSymbols.txt .editorconfig global.json nuget.config ./
COPY src/PmemFleet.Nvdimm/*.csproj src/PmemFleet.Nvdimm/packages.lock.json src/PmemFleet.Nvdimm/
COPY src/PmemFleet.DeviceDax/*.csproj src/PmemFleet.DeviceDax/packages.lock.json src/PmemFleet.DeviceDax/
COPY src/PmemFleet.Contracts/*.csproj src/PmemFleet.Contracts/packages.lock.json src/PmemFleet.Contracts/
COPY src/PmemFleet.Api/*.csproj src/PmemFleet.Api/packages.lock.json src/PmemFleet.Api/
RUN dotnet restore src/PmemFleet.Api --locked-mode
COPY src/PmemFleet.Nvdimm src/PmemFleet.Nvdimm
COPY src/PmemFleet.DeviceDax src/PmemFleet.DeviceDax
COPY src/PmemFleet.Contracts src/PmemFleet.Contracts
COPY src/PmemFleet.Api src/PmemFleet.Api
RUN dotnet publish src/PmemFleet.Api --no-restore --configuration Release --output /app -p:UseAppHost=false

FROM mcr.microsoft.com/dotnet/aspnet:10.0
WORKDIR /app
COPY --from=build /app ./
COPY deploy/scripts/healthy.sh deploy/scripts/secrets.sh /usr/local/bin/
# the compose file's make-secrets writes here: a new volume takes its owner from the folder it is mounted on
RUN mkdir -p /secrets/database /secrets/admin /secrets/workers /secrets/metrics && chown -R $APP_UID /secrets
USER $APP_UID
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["bash", "/usr/local/bin/healthy.sh", "8080", "/livez"]
ENTRYPOINT ["dotnet", "PmemFleet.Api.dll"]
