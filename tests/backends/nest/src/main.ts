// What a reader has: an application of modules, and here a route that answers once it is up.
import "reflect-metadata";
import { Controller, Get, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { MediaModule } from "./media/media.module.js";

@Controller("up")
class UpController {
  @Get()
  up() {}
}

@Module({ imports: [MediaModule], controllers: [UpController] })
class AppModule {}

const app = await NestFactory.create(AppModule);
await app.listen(Number(process.env.PORT), "127.0.0.1");
