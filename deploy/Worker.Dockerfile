# A worker: holds hosts' media under /var/lib/pmemfleet. Context: the repository's root.
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /repo
# first what a restore reads, so that a change of code does not fetch packages again
COPY Directory.Build.props Directory.Packages.props BannedSymbols.txt .editorconfig global.json nuget.config ./
COPY src/PmemFleet.Nvdimm/*.csproj src/PmemFleet.Nvdimm/packages.lock.json src/PmemFleet.Nvdimm/
COPY src/PmemFleet.DeviceDax/*.csproj src/PmemFleet.DeviceDax/packages.lock.json src/PmemFleet.DeviceDax/
COPY src/PmemFleet.Contracts/*.csproj src/PmemFleet.Contracts/packages.lock.json src/PmemFleet.Contracts/
COPY src/PmemFleet.Worker/*.csproj src/PmemFleet.Worker/packages.lock.json src/PmemFleet.Worker/
RUN dotnet restore src/PmemFleet.Worker --locked-mode
COPY src/PmemFleet.Nvdimm src/PmemFleet.Nvdimm
COPY src/PmemFleet.DeviceDax src/PmemFleet.DeviceDax
COPY src/PmemFleet.Contracts src/PmemFleet.Contracts
COPY src/PmemFleet.Worker src/PmemFleet.Worker
RUN dotnet publish src/PmemFleet.Worker --no-restore --configuration Release --output /app -p:UseAppHost=false

FROM mcr.microsoft.com/dotnet/aspnet:10.0
WORKDIR /app
COPY --from=build /app ./
COPY deploy/scripts/healthy.sh /usr/local/bin/
# a new volume takes its owner from the folder it is mounted on
RUN mkdir -p /var/lib/pmemfleet && chown $APP_UID /var/lib/pmemfleet
USER $APP_UID
VOLUME /var/lib/pmemfleet
EXPOSE 8081
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["bash", "/usr/local/bin/healthy.sh", "8081", "/livez"]
ENTRYPOINT ["dotnet", "PmemFleet.Worker.dll"]
