FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source
# Restored before the sources are copied, so that a change of code keeps the layer.
COPY global.json Directory.Build.props Directory.Packages.props ./
COPY src/Directory.Build.props src/
COPY src/ResultsEs.Contracts/ResultsEs.Contracts.csproj src/ResultsEs.Contracts/packages.lock.json src/ResultsEs.Contracts/
COPY src/ResultsEs.EmbeddedPostgres/ResultsEs.EmbeddedPostgres.csproj src/ResultsEs.EmbeddedPostgres/packages.lock.json src/ResultsEs.EmbeddedPostgres/
COPY src/ResultsEs/ResultsEs.csproj src/ResultsEs/packages.lock.json src/ResultsEs/
RUN dotnet restore src/ResultsEs --locked-mode
COPY .editorconfig ./
COPY docs/samples docs/samples
COPY docs/openapi.json docs/
COPY src src
RUN sh src/publish.sh /app && mkdir /data

# Without a shell and a package manager, and as a user that is not root.
FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled
WORKDIR /app
COPY --from=build /app .
# Generated signing keys; the one thing to keep besides the database.
COPY --from=build --chown=$APP_UID:$APP_UID /data /data
VOLUME /data
ENV RESULTS_DATA=/data ASPNETCORE_HTTP_PORTS= ASPNETCORE_URLS=http://+:5080 Shutdown__DrainSeconds=5
EXPOSE 5080
USER $APP_UID
HEALTHCHECK --interval=5s --timeout=11s --start-period=10s CMD ["dotnet", "ResultsEs.dll", "health"]
ENTRYPOINT ["dotnet", "ResultsEs.dll"]
