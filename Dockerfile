FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source
# Restored before the sources are copied, so that a change of code keeps the layer.
COPY global.json Directory.Build.props Directory.Packages.props ./
COPY src/ResultsEs/ResultsEs.csproj src/ResultsEs/packages.lock.json src/ResultsEs/
RUN dotnet restore src/ResultsEs --locked-mode
COPY .editorconfig ./
COPY docs/samples docs/samples
COPY src src
RUN dotnet publish src/ResultsEs --no-restore --configuration Release --output /app

FROM mcr.microsoft.com/dotnet/aspnet:10.0
WORKDIR /app
COPY --from=build /app .
# Generated signing keys; the one thing to keep besides the database.
RUN mkdir /data && chown "$APP_UID" /data
VOLUME /data
ENV RESULTS_DATA=/data ASPNETCORE_HTTP_PORTS= ASPNETCORE_URLS=http://+:5080
EXPOSE 5080
USER $APP_UID
ENTRYPOINT ["dotnet", "ResultsEs.dll"]
